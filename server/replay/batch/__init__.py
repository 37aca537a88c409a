"""Model calls that are carried by files or by a provider's batch API, so that whoever can read may answer."""
