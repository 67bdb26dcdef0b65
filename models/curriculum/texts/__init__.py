"""Training texts of rm-small: what it reads, and what it is to write.

`draw_text` draws from the whole mixture; `shares.toml` says how much of it is what.
"""

from models.curriculum.texts.mixture import draw_text as draw_text
from models.curriculum.texts.training_text import TrainingText as TrainingText
