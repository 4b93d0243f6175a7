"""What every plan and forecast is about, and what it is not about."""

ABOUT = "about pre-training loss only: a lower loss says nothing of downstream accuracy"
