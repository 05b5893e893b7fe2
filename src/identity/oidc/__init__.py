"""OpenID Connect: people who sign in with an identity provider, and the access tokens that it gives to programs."""
