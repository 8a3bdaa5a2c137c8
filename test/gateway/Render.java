import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.io.StringWriter;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.velocity.VelocityContext;
import org.apache.velocity.app.VelocityEngine;

/**
 * Renders mapping templates as API Gateway does, in Velocity itself. One JSON object a line comes in: template, body
 * (base64 of what was sent), headers and stage variables; one goes out: text and status (what $context.responseOverride.status became).
 *
 * $input.body is as API Gateway has it: {} for an empty body, U+FFFD for bytes that are not UTF-8.
 */
public class Render {
  private static final Gson GSON =
      new GsonBuilder().disableHtmlEscaping().serializeNulls().serializeSpecialFloatingPointValues().create();

  public static class Input {
    private final String body;
    private final Map<String, Map<String, String>> params = new HashMap<>();

    Input(byte[] sent, Map<String, String> headers) {
      body = sent.length == 0 ? "{}" : new String(sent, StandardCharsets.UTF_8);
      params.put("header", headers);
      params.put("querystring", new HashMap<>());
      params.put("path", new HashMap<>());
    }

    public String getBody() {
      return body;
    }

    public Map<String, Map<String, String>> params() {
      return params;
    }

    /** Member names and dots only: $.a.b.c */
    public Object path(String path) {
      Object at;
      try {
        at = GSON.fromJson(body, Object.class);
      } catch (RuntimeException e) {
        return null;
      }
      for (String name : path.substring(1).split("\\.")) {
        if (!name.isEmpty()) {
          at = at instanceof Map ? ((Map<?, ?>) at).get(name) : null;
        }
      }
      return at;
    }

    public String json(String path) {
      Object at = path(path);
      return at == null ? "\"\"" : GSON.toJson(at);
    }
  }

  public static class Util {
    public String urlEncode(String text) {
      return text == null ? null : URLEncoder.encode(text, StandardCharsets.UTF_8);
    }
  }

  public static void main(String[] args) throws Exception {
    VelocityEngine engine = new VelocityEngine();
    engine.setProperty("runtime.log.logsystem.class", "org.apache.velocity.runtime.log.NullLogChute");
    engine.init();
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    PrintStream out = new PrintStream(System.out, true, "UTF-8");
    for (String line; (line = in.readLine()) != null; ) {
      Map<?, ?> request = GSON.fromJson(line, Map.class);
      Map<String, String> headers = new LinkedHashMap<>();
      for (Object pair : (List<?>) request.get("headers")) {
        headers.put((String) ((List<?>) pair).get(0), (String) ((List<?>) pair).get(1));
      }
      Map<String, Object> override = new HashMap<>();
      Map<String, Object> apiContext = new HashMap<>();
      apiContext.put("responseOverride", override);
      apiContext.put("extendedRequestId", "Ab1cDEF_GhIjKLM=");
      VelocityContext context = new VelocityContext();
      context.put("input", new Input(Base64.getDecoder().decode((String) request.get("body")), headers));
      context.put("util", new Util());
      context.put("context", apiContext);
      context.put("stageVariables", request.get("variables"));
      StringWriter text = new StringWriter();
      engine.evaluate(context, text, "template", (String) request.get("template"));
      Map<String, Object> answer = new HashMap<>();
      answer.put("text", text.toString());
      answer.put("status", override.get("status"));
      out.println(GSON.toJson(answer));
    }
  }
}
