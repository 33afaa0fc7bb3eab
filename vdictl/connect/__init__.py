"""From an endpoint to a person: streams, RFB, tunnels, the page's redirect, viewers, screenshots, copying files."""
