using System.Text.Json.Nodes;

namespace Diffusion.Checkpoints;

/// <summary>Parameterizations and their noise labels in configuration files.</summary>
internal static class ParameterizationFormat
{
    public static JsonObject Write(Parameterization parameterization)
    {
        var json = new JsonObject { ["kind"] = parameterization.Name };
        if (parameterization is EdmParameterization edm) json["sigmaData"] = edm.SigmaData;
        json["label"] = new JsonObject { ["kind"] = parameterization.Label.Name, ["scale"] = parameterization.Label.Scale };
        return json;
    }

    public static Parameterization Read(JsonSettings settings)
    {
        try
        {
            var label = Label(settings.Object("label"));
            var parameterization = settings.Text("kind") switch
            {
                "epsilon" => Parameterization.Epsilon(label),
                "data" => Parameterization.Data(label),
                "v" => Parameterization.V(label),
                "score" => Parameterization.Score(label),
                "velocity" => Parameterization.Velocity(label),
                "edm" => Parameterization.Edm(settings.Number("sigmaData"), label),
                var other => throw settings.Fault("parameterization.kind", $"is \"{other}\"; epsilon, data, v, score, velocity or edm is needed"),
            };
            settings.Finish();
            return parameterization;
        }
        catch (ArgumentException error)
        {
            throw settings.Refused(error);
        }
    }

    private static NoiseLabel Label(JsonSettings settings)
    {
        var scale = settings.Number("scale");
        var label = settings.Text("kind") switch
        {
            "time" => NoiseLabel.Time(scale),
            "timestep" => NoiseLabel.Timestep(settings.Integer("scale")),
            "quarter-log-sigma" => NoiseLabel.QuarterLogSigma,
            "log-sigma" => NoiseLabel.LogSigma,
            "sigma" => NoiseLabel.NoiseToSignal,
            var other => throw settings.Fault("parameterization.label.kind", $"is \"{other}\"; time, timestep, quarter-log-sigma, log-sigma or sigma is needed"),
        };
        settings.Finish();
        return label;
    }
}
