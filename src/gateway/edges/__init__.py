"""What stands between the network and the application: connections, addresses, origins, headers, throttles."""
