"""Ways to pay an order. Another one is one class with the two steps of `contract.PaymentWay`."""
