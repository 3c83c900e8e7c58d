"""The cloud on one machine: what surrounds the function in production, near enough to trust a test of it.

server           what every fake shares: real HTTP on loopback, a record of requests, scripted answers
zoho, slack      the two services outside AWS
template, cloudformation, moto_server, aws
                 the project's own template, deployed into moto, an AWS in memory
runtime          Lambda: AWS's own runtime client against a small Runtime API
stage            all of them together, with the function that the template describes
front            all of AWS behind one address, for commands of other processes
screen, story    what `make run` shows
playground       what `make sandbox` keeps
samples, gallery, live, browser
                 every kind of message on one page, messages on a page as they arrive, and Chromium to look at both

It is for tests, benchmarks and `make run`, and never ships: `handler` doesn't import it.
"""
