"""Python classes for llama.cpp: model, tokenizer, KV cache, devices, log."""
