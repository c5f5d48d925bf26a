"""A posture sensor without hardware: body, IMU, firmware, flash log and Bluetooth."""
