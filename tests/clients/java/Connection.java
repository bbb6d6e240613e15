// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
import java.io.InputStream;
import java.net.HttpURLConnection;
import java.net.URL;

/** Uses the older client, as AWS SDKs for Java do in their metadata providers. */
public class Connection {
	static String request(String method, String path, String name, String value) throws Exception {
		HttpURLConnection connection =
			(HttpURLConnection)new URL("http://169.254.169.254" + path).openConnection();
		connection.setRequestMethod(method);
		connection.setConnectTimeout(5000);
		connection.setReadTimeout(5000);
		if (name != null)
			connection.setRequestProperty(name, value);
		try (InputStream answer = connection.getInputStream()) {
			return new String(answer.readAllBytes());
		}
	}

	public static void main(String[] arguments) throws Exception {
		System.out.println(request("GET", "/latest/meta-data/instance-id", null, null));
		String token = request("PUT", "/latest/api/token", "X-aws-ec2-metadata-token-ttl-seconds", "60");
		System.out.println(request("GET", "/latest/meta-data/placement/region", "X-aws-ec2-metadata-token", token));
	}
}
