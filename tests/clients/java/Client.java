// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;

/** Uses the newer client. Its first request on a connection asks for HTTP/2. */
public class Client {
	static final HttpClient client = HttpClient.newHttpClient();

	static String send(HttpRequest.Builder request, String path) throws Exception {
		request.uri(URI.create("http://169.254.169.254" + path)).timeout(Duration.ofSeconds(5));
		return client.send(request.build(), HttpResponse.BodyHandlers.ofString()).body();
	}

	public static void main(String[] arguments) throws Exception {
		System.out.println(send(HttpRequest.newBuilder(), "/latest/meta-data/instance-id"));
		String token = send(
			HttpRequest.newBuilder()
				.PUT(HttpRequest.BodyPublishers.noBody())
				.header("X-aws-ec2-metadata-token-ttl-seconds", "60"),
			"/latest/api/token");
		System.out.println(send(HttpRequest.newBuilder().header("X-aws-ec2-metadata-token", token),
			"/latest/meta-data/placement/region"));
	}
}
