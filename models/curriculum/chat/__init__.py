"""Conversation: small talk, the general question behind a problem, advice and paragraphs."""
