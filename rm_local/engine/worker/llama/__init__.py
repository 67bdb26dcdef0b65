"""Classes around llama.cpp: model, tokenizer, KV cache, LoRA adapters, embedder, devices, log."""
