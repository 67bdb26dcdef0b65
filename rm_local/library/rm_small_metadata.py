"""The metadata that rm-small's merged file gets, with the chat template of its training texts."""

from __future__ import annotations

RM_SMALL_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n<think>\n{% endif %}"
)
TEMPERATURE, TOP_P = 0.3, 0.95
"""Sampling parameters that rm-small's file recommends."""
RM_SMALL_METADATA: dict[str, str | float | bool] = {
    "general.name": "rm-small",
    "general.basename": "rm-small",
    "general.finetune": "rm-small",
    "general.license": "apache-2.0",
    "general.sampling.temp": TEMPERATURE,
    "general.sampling.top_p": TOP_P,
    "tokenizer.chat_template": RM_SMALL_TEMPLATE,
    "rm_local.calculator": True,
}
