"""Generates text: opens turns, decodes their branches in common batches, and samples tokens."""
