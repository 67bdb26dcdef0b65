"""The child process that runs the models. Only modules of this package import llama_cpp."""
