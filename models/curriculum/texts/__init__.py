"""Training texts of rm-small, each with a mask of what the model learns to write.

`draw_text` draws from the whole mixture; `shares.toml` has the share of each kind.
"""

from models.curriculum.texts.mixture import draw_text as draw_text
from models.curriculum.texts.training_text import TrainingText as TrainingText
