"""Binary features that look different each time they are on."""
