# The question of training on one device and running on another: the tracer writes down the device it sees.
import torch


class Shifted(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = torch.nn.Linear(3, 3)

    def forward(self, x):
        return self.linear(x) + torch.ones(3, device=x.device)


cpu_model = Shifted().cpu()
sample_input_cpu = torch.rand(2, 3).cpu()
traced_cpu = torch.jit.trace(cpu_model, sample_input_cpu)
