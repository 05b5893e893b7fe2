"""The suite; a package, because a distribution that it uses installs one of the same name."""
