"""How a check works: contract, verdict, diagnosis, words, record. No file here knows any single exercise."""
