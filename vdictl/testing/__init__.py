"""For those who write or use providers: the conformance suite, a provider in memory, a clock that moves when told."""
