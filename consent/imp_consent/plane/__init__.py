"""People's data: one way in (intake), one way out (view), erasure beside them."""
