# torchvision.models, the residual networks.
from torchvision.models import resnet
from torchvision.models.resnet import ResNet, resnet18, resnet34, resnet50, resnet101
