"""Short letters to a shop, in English, written for this course: six kinds, twenty of each.

The first eight of a kind are for training, four for choosing settings, eight for testing. They are made up and easy to tell apart: they show how a few
examples teach a model labels of your own, not how well that works on real mail.
"""
from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from .corpus import Corpus

__all__ = ["KINDS", "Request", "requests"]

TRAIN, VALID = 8, 4
_LETTERS = {
    "delivery": """\
Where is my parcel?|My order has not arrived yet.|When will you ship the shoes?|The courier never came.|The tracking page has not changed for days.
Can you deliver on Saturday?|I have been waiting two weeks for the box.|Please leave the package with my neighbour.|Has my order left the warehouse?
How long does shipping to Spain take?|The driver went to the wrong house.|My package seems to be lost in the post.|Can I have it sent to my office?
It should have come on Monday and it is Friday.|Which courier do you use?|The parcel was left out in the rain.|Is express shipping possible?
I need the order to arrive before my trip.|The van drove past without stopping.|Tell me the day the lamp will be delivered.""",
    "refund": """\
I want my money back.|Please refund the second pair.|When will the refund reach my bank?|I returned the coat but got no money.|You charged me twice, give one back.
I cancelled and still paid for it.|How do I get my deposit back?|The refund is too small.|I sent it back a month ago and was not repaid.
Can you return the money to my old card?|You owe me twelve pounds.|I would like to be repaid in full.|Please reverse the payment.
The money for the returned book is still missing.|Will I be reimbursed for the broken vase?|Only half of the price was paid back to me.
I changed my mind and want a refund.|My repayment has not shown up.|Pay me back for the cancelled order.|How long do refunds take?""",
    "account": """\
I forgot my password.|I cannot log in.|How do I change my email address?|Please delete my account.|My user name is not accepted.|The login code never comes.
Someone else is using my account.|I want to change my phone number in my profile.|The site says that my password is wrong.|How can I close my account?
Reset my password, please.|I am locked out after three tries.|My profile shows the wrong name.|I have two accounts and want one.
Signing in fails on my phone.|Where do I set a new password?|The link to confirm my email is dead.|Please unlock my account.
I cannot find the page for my profile settings.|Was my login stolen?""",
    "repair": """\
The lamp does not turn on.|My phone screen is cracked.|The zip broke on the first day.|The kettle leaks.|Can you fix the wheel?|The heater makes a loud noise.
One leg of the chair is loose.|The battery dies in an hour.|The fridge no longer cools.|A button fell off the remote.|The drill stopped working.
Smoke comes out of the toaster.|The clock runs slow, can you mend it?|The handle came off the pan.|My headphones have no sound on the left.
The printer jams all the time.|The strap tore, please sew it.|The camera will not focus any more.|The fan has stopped spinning.|There is a crack in the tank of the mower.""",
    "size": """\
The shoes are too small.|Do you have this shirt in large?|The coat is too long for me.|Which size fits a child of six?|The ring is too tight.
I am between medium and large.|How wide is the belt?|Are these trousers cut narrow?|The gloves are too big.|Will the jacket fit someone 190 cm tall?
I usually wear 42, what should I take?|The sleeves are too short.|Does this dress run small?|The hat slips over my eyes.|I need the boots one size up.
What is the waist of these jeans?|The socks are tiny.|Is there a chart with measurements?|The sweater is loose, do you have small?|How many inches is the collar?""",
    "invoice": """\
Please send me the invoice.|The bill shows the wrong company name.|I need a receipt for my taxes.|The VAT number is missing on the bill.
Can you print our order number on the invoice?|I lost the receipt.|The invoice has last year's date.|Please bill my employer.
Our accountant needs a copy of the bill.|The invoice lists three items and I bought two.|Could you email the receipt again?
Please put the firm's address on the invoice.|Is VAT included in the bill?|I need one invoice for both orders.|The PDF of my receipt is blank.
Send the bill to our accounts office.|The invoice number is printed twice.|I need proof of purchase on paper.
Our tax office does not accept this receipt.|Please correct the name on the invoice.""",
}
KINDS = tuple(_LETTERS)


@dataclass(frozen=True)
class Request:
    """One letter; `label` is the number of its kind in `KINDS`."""

    text: str
    label: int


@lru_cache(maxsize=1)
def requests() -> Corpus[Request]:
    """48 letters to learn from, 24 to choose settings by, 48 to be tested on; as many of each kind, and kinds take turns."""
    columns = [letters.replace("\n", "|").split("|") for letters in _LETTERS.values()]
    rows = [[Request(column[i], kind) for kind, column in enumerate(columns)] for i in range(len(columns[0]))]
    return Corpus("requests", *(tuple(sum(part, [])) for part in (rows[:TRAIN], rows[TRAIN:TRAIN + VALID], rows[TRAIN + VALID:])), ())
