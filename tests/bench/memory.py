def suite(*a): raise NotImplementedError
