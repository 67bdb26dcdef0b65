"""The worker process, in which llama.cpp runs the models; only this package imports llama_cpp."""
