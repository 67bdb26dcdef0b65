"""Measurement of a store's recall (against exact search), latency, memory and build rate."""
