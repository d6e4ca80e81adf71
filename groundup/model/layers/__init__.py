"""The parts every family is built from: norm, position, attention, feedforward, embedding. Import the file you need."""
