"""Everything on one machine under one owner: what `quantrac run` starts, watches and stops."""
