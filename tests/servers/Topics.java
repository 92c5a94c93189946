// For kafka-topics.
import java.util.*;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.common.config.ConfigResource;

class Topics {
    static NewTopic parse(String text) {
        String[] parts = text.split(":", 3);
        Map<String, String> settings = new HashMap<>();
        if (parts.length > 2)
            for (String pair : parts[2].split(","))
                settings.put(pair.split("=")[0], pair.split("=")[1]);
        int partitions = parts.length > 1 ? Integer.parseInt(parts[1]) : 1;
        return new NewTopic(parts[0], partitions, (short) 1).configs(settings);
    }

    static void print(Admin admin, String topic, String key) throws Exception {
        ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
        System.out.println(admin.describeConfigs(List.of(resource)).all().get().get(resource).get(key).value());
    }

    public static void main(String[] args) throws Exception {
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", args[0]))) {
            List<NewTopic> topics = new ArrayList<>();
            for (String text : Arrays.copyOfRange(args, 1, args.length))
                if (text.contains("?"))
                    print(admin, text.split("\\?")[0], text.split("\\?")[1]);
                else
                    topics.add(parse(text));
            admin.createTopics(topics).all().get();
        }
    }
}
