"""rm-static, the embedder that is one table: how it is trained and measured."""
