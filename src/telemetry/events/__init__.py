"""The log of what happened, from which webhooks, e-mail and live screens are fed."""
