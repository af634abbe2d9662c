# Modules made of modules. Their constructors take any number of arguments, so bertjit itself has them: submodules of
# a list are named "0", "1", …, those of a dict by their keys.
import torch


class Sequential(torch.nn.Module):
    def forward(self, input):
        for module in self:
            input = module(input)
        return input


class ModuleList(torch.nn.Module):
    pass


class ModuleDict(torch.nn.Module):
    pass


class ParameterList(torch.nn.Module):
    pass
