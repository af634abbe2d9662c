# torchvision, as far as models need it.
from torchvision import models
