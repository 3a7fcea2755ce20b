namespace Diffusion.Training;

/// <summary>The kernels as loops of TorchSharp's own operations: slower, everywhere available, and the reference for the fused ones.</summary>
internal sealed class LoopKernels : TensorKernels
{
    private LoopKernels()
    {
    }

    public static LoopKernels Instance { get; } = new();

    public override Tensor Norm(Tensor[] tensors)
    {
        using var scope = NewDisposeScope();
        return stack(Array.ConvertAll(tensors, t => t.norm())).norm().MoveToOuterDisposeScope();
    }

    public override void Lerp(Tensor[] targets, Tensor[] sources, double weight)
    {
        using var scope = NewDisposeScope();
        var w = tensor(weight, targets.Length == 0 ? ScalarType.Float32 : targets[0].dtype);
        for (var i = 0; i < targets.Length; i++) targets[i].lerp_(sources[i], w);
    }

    public override void Adam(ParameterTensors p, AdamNumbers n, Tensor? divisor, Tensor skip)
    {
        if (Skips(skip)) return;
        for (var i = 0; i < p.Values.Length; i++)
        {
            using var scope = NewDisposeScope();
            var (value, first, second) = (p.Values[i], p.First[i], p.Second[i]);
            var gradient = Divided(p.Gradients[i], divisor);
            var step = p.Steps[i].item<float>();
            if (n.Decay != 0 && n.Decoupled) value.mul_(1 - n.Rate * n.Decay);
            else if (n.Decay != 0) gradient = gradient.add(value, alpha: n.Decay);
            first.mul_(n.Beta1).add_(gradient, alpha: 1 - n.Beta1);
            second.mul_(n.Beta2).addcmul_(gradient, gradient, 1 - n.Beta2);
            var denominator = second.sqrt().div_(Math.Sqrt(1 - Math.Pow(n.Beta2, step))).add_(n.Epsilon);
            value.addcdiv_(first, denominator, -n.Rate / (1 - Math.Pow(n.Beta1, step)));
        }
    }

    public override void Sgd(ParameterTensors p, SgdNumbers n, Tensor? divisor, Tensor skip)
    {
        if (Skips(skip)) return;
        for (var i = 0; i < p.Values.Length; i++)
        {
            using var scope = NewDisposeScope();
            var value = p.Values[i];
            var gradient = Divided(p.Gradients[i], divisor);
            if (n.Decay != 0) gradient = gradient.add(value, alpha: n.Decay);
            if (n.Momentum != 0)
            {
                p.First[i].mul_(n.Momentum).add_(gradient);
                gradient = n.Nesterov ? gradient.add(p.First[i], alpha: n.Momentum) : p.First[i];
            }

            value.add_(gradient, alpha: -n.Rate);
        }
    }

    // Waits for the device, which only this fallback does.
    private static bool Skips(Tensor skip) => skip.item<float>() == 1;

    private static Tensor Divided(Tensor gradient, Tensor? divisor) => divisor is null ? gradient : gradient.div_(divisor);
}
