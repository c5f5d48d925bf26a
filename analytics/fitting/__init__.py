"""What is fitted on recordings with truth; nothing that analyses imports it."""
