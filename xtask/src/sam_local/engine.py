# Talks to the Docker engine with the same client as SAM, so that what is found here is what SAM finds.
import sys

import docker

verb, arguments = sys.argv[1], sys.argv[2:]
try:
    client = docker.from_env(timeout=60)
    if verb == "ping":
        print(client.version()["Version"])
    elif verb == "has":
        try:
            client.images.get(arguments[0])
            print("yes")
        except docker.errors.ImageNotFound:
            print("no")
    elif verb == "pull":
        client.images.pull(*arguments[0].split(":"))
    elif verb == "import":
        file, image, label = arguments
        repository, tag = image.split(":")
        client.api.import_image_from_file(file, repository=repository, tag=tag, changes=["LABEL " + label])
    elif verb == "subnet":
        ranges = client.networks.get("bridge").attrs["IPAM"]["Config"]
        print(next(each["Subnet"] for each in ranges if "." in each["Subnet"]))
    elif verb == "forget":
        # Those that others were built on can go only after them.
        left = [image.id for image in client.images.list(all=True, filters={"label": arguments[0]})]
        while left:
            kept = []
            for image in left:
                try:
                    client.images.remove(image, force=True)
                except docker.errors.ImageNotFound:
                    pass
                except docker.errors.APIError as error:
                    kept.append(image)
                    reason = error
            if kept == left:
                raise reason
            left = kept
except docker.errors.APIError as error:
    sys.exit(error.explanation or str(error))
except docker.errors.DockerException as error:
    sys.exit(str(error))
