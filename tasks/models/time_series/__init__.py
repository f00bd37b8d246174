"""Series in which one of two events tells the class: which steps, in which channels?"""
