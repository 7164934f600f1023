"""What stands before a guarded route, whatever framework serves it.

Nothing here knows a framework: headers go in, a principal or a refusal comes out.
"""
