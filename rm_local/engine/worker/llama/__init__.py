"""llama.cpp behind Python types: model, tokenizer, KV cache, devices, log."""
