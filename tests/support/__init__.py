"""What tests share: a toy project, a copy of the whole project, an invented board and invented tables of scores."""
