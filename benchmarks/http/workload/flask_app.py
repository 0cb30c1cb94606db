"""A Flask application, as its author would write it."""

from flask import Flask, jsonify, request, send_file

from workload import work
from workload.data import DOCUMENT, HELLO

application = Flask(__name__)


@application.get("/hello")
def hello():
    return HELLO.decode()


@application.get("/json")
def json():
    return jsonify(DOCUMENT)


@application.post("/post")
def post():
    return str(len(request.get_data()))


@application.get("/file")
def file():
    return send_file(work.FILE, mimetype="application/octet-stream")


@application.get("/thrift")
def thrift():
    return work.call_thrift()


@application.get("/compute")
def compute():
    return work.compute()


@application.get("/wait")
def wait():
    return work.wait()


@application.get("/sleep")
def sleep():
    return work.sleep()
