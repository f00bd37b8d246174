"""Random graphs with two motifs attached, each whole or with a flaw: which nodes, which edges?"""
