"""`pie degrade`: what is switched off."""
