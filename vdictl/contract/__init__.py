"""What a provider may see: nouns (`model`), the `mark`, verbs (`provider`, `capabilities`) and `errors`."""
