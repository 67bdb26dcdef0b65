"""Small public models that the tests and measurements here run on."""
