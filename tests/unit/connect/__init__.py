"""From an endpoint to a person, against fakes in this process and real programs of this machine."""
