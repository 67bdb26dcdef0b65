"""The tests, by what they run: unit, functional, contract, snapshot."""
