"""Problems as people put them: families, and questions that no model is trained on."""
