"""The worker process, which runs the models. Only modules of this package import llama_cpp."""
