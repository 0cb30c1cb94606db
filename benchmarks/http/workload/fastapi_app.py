"""A FastAPI application: what waits or computes runs on its threads, the rest on its loop."""

from fastapi import FastAPI, Request
from fastapi.responses import FileResponse, PlainTextResponse

from workload import work
from workload.data import DOCUMENT, HELLO

application = FastAPI()


@application.get("/hello", response_class=PlainTextResponse)
async def hello():
    return HELLO.decode()


@application.get("/json")
async def json():
    return DOCUMENT


@application.post("/post", response_class=PlainTextResponse)
async def post(request: Request):
    return str(len(await request.body()))


@application.get("/file")
async def file():
    return FileResponse(work.FILE, media_type="application/octet-stream")


@application.get("/thrift", response_class=PlainTextResponse)
def thrift():
    return work.call_thrift()


@application.get("/compute", response_class=PlainTextResponse)
def compute():
    return work.compute()


@application.get("/wait", response_class=PlainTextResponse)
def wait():
    return work.wait()


@application.get("/sleep", response_class=PlainTextResponse)
def sleep():
    return work.sleep()
